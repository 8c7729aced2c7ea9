"""Every screen that there is: for everybody, for persons, and the one at `/`."""

from comity.web.ui import account, home, people, signing_in, tokens

_ALL = (*home.PAGES, *account.PAGES, *signing_in.PAGES, *people.PAGES, *tokens.PAGES)

OPEN_PAGES = signing_in.OPEN_PAGES
HOME_PAGE = next(page for page in _ALL if page.template == "/")
PAGES = tuple(page for page in _ALL if page is not HOME_PAGE)
