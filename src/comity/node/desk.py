"""What persons do at their desks: import, search, write, change many at once, and programs that act for them."""

from comity.node.batching import Batching
from comity.node.bearing import Bearing
from comity.node.drafts import Drafting
from comity.node.searches import Searching
from comity.node.touring import Touring
from comity.node.uploads import Uploading


class Desk(Touring, Uploading, Searching, Drafting, Batching, Bearing):
    """See `comity.node.node.Node`."""
