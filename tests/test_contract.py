"""What other programs rely on stays as they know it."""

import json
from pathlib import Path

from service.app import create_app
from service.settings import Settings
from service.store.database import Database

PAGE = Path(__file__).parents[1] / "dashboards/web"


def test_the_page_was_made_from_this_api(tmp_path: Path) -> None:
    """`canhlo openapi > dashboards/web/openapi.json`, then `npm run api`, after every change of the API."""
    database = Database("sqlite://")
    try:
        document = create_app(Settings(data_dir=tmp_path), database).openapi()
    finally:
        database.close()

    assert json.loads((PAGE / "openapi.json").read_text()) == json.loads(json.dumps(document))
