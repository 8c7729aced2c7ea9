"""An OpenTAXII with an administrator, a collection, and the objects of a file in it; run by the peers' Python.

    OPENTAXII_CONFIG=conf.yml python bench/opentaxii_setup.py [OBJECTS.ndjson]

Prints the token and the collection's path as JSON. The rows are those that OpenTAXII's own `add_objects` would write,
in one transaction.
"""

import datetime
import json
import sys
from pathlib import Path

from opentaxii.auth.sqldb.models import Account
from opentaxii.cli import app
from opentaxii.persistence.sqldb.taxii2models import STIXObject
from opentaxii.taxii2.utils import get_object_version

SLICE = 1000
LEFT_OUT = ("id", "type", "spec_version")


def main() -> None:
    """Command line."""
    with app.app_context():
        store = app.taxii_server.servers.taxii2.persistence.api
        accounts = app.taxii_server.auth.api
        accounts.create_account("bench", "bench-password", is_admin=True)
        account = accounts.db.session.query(Account).filter_by(username="bench").one()
        root = store.add_api_root(title="bench", default=True)
        collection = store.add_collection(api_root_id=str(root.id), title="bench")
        session = store.db.session
        for path in sys.argv[1:]:
            rows = []
            for line in Path(path).read_bytes().splitlines():
                value = json.loads(line)
                rows.append(
                    STIXObject(
                        id=value["id"],
                        collection_id=collection.id,
                        type=value["type"],
                        spec_version=value["spec_version"],
                        date_added=datetime.datetime.now(datetime.UTC),
                        version=get_object_version(value),
                        serialized_data={name: member for name, member in value.items() if name not in LEFT_OUT},
                    )
                )
            for at in range(0, len(rows), SLICE):
                session.bulk_save_objects(rows[at : at + SLICE])
            session.commit()
        token = accounts._generate_token(account.id, ttl=accounts.token_ttl_secs)
        print(json.dumps({"token": token, "path": f"/taxii2/{root.id}/collections/{collection.id}/"}))


if __name__ == "__main__":
    main()
