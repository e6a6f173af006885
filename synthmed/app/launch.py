"""Open the FiftyOne App."""

from __future__ import annotations

import fiftyone as fo

from synthmed.app.owned import owned_datasets
from synthmed.errors import DatasetError


def launch(name: str | None = None, *, port: int = 5151, address: str = "127.0.0.1") -> None:
    """Serve the App until it is interrupted.

    Args:
        name: the dataset; by default the newest that synthmed made itself.
        port: port of the App.
        address: address that it listens on; the loopback address serves this machine alone.

    Raises:
        DatasetError: there is no such dataset.
    """
    if name is None:
        owned = owned_datasets()
        if not owned:
            raise DatasetError(
                "there is no dataset of a demo yet", remedy="run `make demo`, or name a dataset"
            )
        name = owned[0]
    if not fo.dataset_exists(name):
        known = ", ".join(fo.list_datasets()) or "none"
        raise DatasetError("there is no such dataset", value=name, remedy=f"there are: {known}")
    # remote=True only means that no window of a browser is opened for the user.
    session = fo.launch_app(fo.load_dataset(name), remote=True, address=address, port=port)
    print(f"The App shows {name} at http://{address}:{port}/datasets/{name} -- stop it with Ctrl-C")
    try:
        session.wait(-1)
    except KeyboardInterrupt:
        session.close()
