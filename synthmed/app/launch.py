"""The App, opened on a dataset."""

from __future__ import annotations

import os

import fiftyone as fo
import fiftyone.operators as foo
from fiftyone.core.service import ServiceListenTimeout

from synthmed.app.appearance import HEAT
from synthmed.app.owned import owned_datasets
from synthmed.errors import DatasetError

OPERATOR = "@synthmed/synthmed/synthesize"

# The server paints heatmaps that the App has no own scale for with this one; it reads its environment only.
_HEAT_VARIABLE = "FIFTYONE_APP_COLORSCALE"


def launch(
    name: str | None = None, *, port: int = 5151, address: str = "127.0.0.1", wait: bool = True
) -> fo.Session:
    """Serve the App until Ctrl-C.

    Args:
        name: the dataset; by default the newest that synthmed made itself.
        port: the port to serve at.
        address: the address to serve at; ``0.0.0.0`` for all of the machine's.
        wait: whether to wait for Ctrl-C; otherwise the session is returned at once.

    Raises:
        DatasetError: there is no such dataset, or the server does not start.
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
    os.environ.setdefault(_HEAT_VARIABLE, HEAT)
    try:
        # remote=True only means that no window of a browser is opened for the user.
        session = fo.launch_app(fo.load_dataset(name), port=port, address=address, remote=True)
    except ServiceListenTimeout as error:
        raise DatasetError(
            "the App's server did not start within a minute",
            value=port,
            remedy="try again, or choose another port",
        ) from error
    slug = fo.load_dataset(name).slug
    print(f"The App shows {name} at http://{address}:{port}/datasets/{slug} -- stop it with Ctrl-C")
    if not foo.operator_exists(OPERATOR):
        print("Without the synthmed plugin; `synthmed doctor` says how to get it.")
    if wait:
        try:
            session.wait(-1)
        except KeyboardInterrupt:
            session.close()
    return session
