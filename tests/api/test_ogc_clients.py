"""Real clients against the running service: GDAL by pyogrio and by ogrinfo, OWSLib, QGIS."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from owslib.ogcapi.features import Features

PATIENCE_S = 120


def gdal(script: str, *arguments: str, debug: bool = False) -> tuple[Any, str]:
    """Run GDAL in a process of its own (here it would wait for a server that waits for it)."""
    done = subprocess.run(
        [sys.executable, "-c", f"import json, sys\nimport pyogrio\n{script}", *arguments],
        env={**os.environ, **({"CPL_DEBUG": "ON"} if debug else {})},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1]), done.stderr


def matched(client: httpx.Client, layer: str, **query: str) -> int:
    body = client.get(f"/ogc/collections/{layer}/items", params={"limit": "1", **query}).json()
    return int(body["numberMatched"])


def test_gdal_counts_and_reads_every_feature(served: str, client: httpx.Client) -> None:
    script = """
info = pyogrio.read_info(f"OAPIF:{sys.argv[1]}/ogc", layer="grids", force_feature_count=True)
frame = pyogrio.read_dataframe(f"OAPIF:{sys.argv[1]}/ogc", layer="grids")
print(json.dumps([info["features"], len(frame), list(frame.columns), str(frame.crs),
                  str(frame["residents"].dtype)]))
"""
    (counted, read, columns, crs, kind), _ = gdal(script, served)
    assert counted == read == matched(client, "grids")
    assert {"code", "name", "residents"} <= set(columns)
    assert crs == "EPSG:4326" or "CRS84" in crs
    assert kind.startswith("int")


def test_gdal_pages_by_the_declared_maximum(served: str) -> None:
    script = """
print(json.dumps(len(pyogrio.read_dataframe(f"OAPIF:{sys.argv[1]}/ogc", layer="buildings"))))
"""
    read, said = gdal(script, served, debug=True)
    pages = set(re.findall(r"items\?[^\s]*limit=(\d+)", said))
    assert max(map(int, pages)) >= 1000
    assert len(re.findall(r"Fetch\(.*?items\?", said)) <= 3 + read / 1000


def test_gdal_asks_for_the_box_and_pushes_filters_down(served: str, client: httpx.Client) -> None:
    some = client.get("/ogc/collections/communities/items", params={"limit": "1"}).json()
    lon, lat = some["features"][0]["geometry"]["coordinates"][0][0][0]
    box = [lon - 0.02, lat - 0.02, lon + 0.02, lat + 0.02]
    script = """
source, box = f"OAPIF:{sys.argv[1]}/ogc", json.loads(sys.argv[2])
near = pyogrio.read_dataframe(source, layer="communities", bbox=tuple(box))
urban = pyogrio.read_dataframe(source, layer="communities", where="kind = 'urban'")
large = pyogrio.read_dataframe(source, layer="communities", where="residents > 2000")
print(json.dumps([sorted(near["code"]), len(urban), len(large)]))
"""
    (near, urban, large), said = gdal(script, served, json.dumps(box), debug=True)
    query = {"bbox": ",".join(map(str, box)), "limit": "1000"}
    asked = client.get("/ogc/collections/communities/items", params=query).json()
    assert near == [feature["id"] for feature in asked["features"]]
    assert urban == matched(client, "communities", filter="kind = 'urban'")
    assert large == matched(client, "communities", filter="residents > 2000")
    fetched = [line for line in said.splitlines() if "items?" in line]
    assert any("bbox=" in line for line in fetched)
    assert any("urban" in line for line in fetched), "kind is not filtered by the service"


def test_gdal_takes_another_coordinate_system(served: str, client: httpx.Client) -> None:
    script = """
frame = pyogrio.read_dataframe(f"OAPIF:{sys.argv[1]}/ogc", layer="stations", CRS=sys.argv[2])
point = frame.geometry.iloc[0]
print(json.dumps([str(frame.crs), frame["code"].iloc[0], point.x, point.y]))
"""
    (plain, _) = gdal(script.replace(", CRS=sys.argv[2]", ""), served)
    for srid in (4490, 4326, 4548):
        (crs, code, x, y), _said = gdal(script, served, f"EPSG:{srid}")
        assert crs == f"EPSG:{srid}" or (srid == 4326 and "CRS84" in crs)
        assert code == plain[1]
        if srid == 4548:
            assert 300_000 < x < 900_000
            assert 3_400_000 < y < 3_800_000
        else:
            assert (x, y) == pytest.approx(plain[2:], abs=1e-6)


@pytest.fixture(scope="module")
def ogrinfo() -> str:
    found = shutil.which("ogrinfo")
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("gdal-bin is missing: make setup-test installs it")
        pytest.skip("gdal-bin is not installed (make setup-test)")
    return found


def run_ogrinfo(ogrinfo: str, *arguments: str) -> str:
    done = subprocess.run(
        [ogrinfo, *arguments], capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_ogrinfo_of_the_distribution_reads_the_layers(
    served: str, client: httpx.Client, ogrinfo: str
) -> None:
    listed = run_ogrinfo(ogrinfo, "-ro", f"OAPIF:{served}/ogc")
    assert "grids" in listed
    assert "events (" not in listed, "events are for staff"
    summary = run_ogrinfo(ogrinfo, "-ro", "-so", f"OAPIF:{served}/ogc", "grids")
    assert f"Feature Count: {matched(client, 'grids')}" in summary
    assert "residents: Integer" in summary
    # this old client takes pages of 10 unless it is told otherwise
    paged = ("-oo", "PAGE_SIZE=1000", "--debug", "on", f"OAPIF:{served}/ogc", "grids")
    said = run_ogrinfo(ogrinfo, "-ro", "-al", "-q", *paged)
    assert said.count("OGRFeature(grids)") == matched(client, "grids")
    assert len(re.findall(r"Fetch\(.*items", said)) < 8


def test_owslib_finds_its_way(served: str, client: httpx.Client) -> None:
    service = Features(f"{served}/ogc")
    assert "grids" in service.feature_collections()
    assert any("ogcapi-features-1" in one for one in service.conformance()["conformsTo"])
    assert "residents" in service.collection_queryables("communities")["properties"]
    assert service.api()["openapi"].startswith("3.0")
    found = service.collection_items(
        "communities", limit=3, filter="kind = 'rural' AND residents > 500"
    )
    assert len(found["features"]) == 3
    assert all(one["properties"]["residents"] > 500 for one in found["features"])
    box = service.collection("communities")["extent"]["spatial"]["bbox"][0]
    whole = service.collection_items("communities", bbox=box, limit=1)
    assert whole["numberMatched"] == matched(client, "communities")
    one = service.collection_item("communities", found["features"][0]["id"])
    assert one["properties"] == found["features"][0]["properties"]


QGIS = """
import os, sys
from qgis.core import QgsApplication, QgsVectorLayer, QgsFeatureRequest, QgsRectangle
app = QgsApplication([], False)
app.initQgis()
layer = QgsVectorLayer(f"url='{sys.argv[1]}/ogc' typename='grids' pageSize='1000'", "x", "OAPIF")
read = sum(1 for _ in layer.getFeatures())
print(layer.isValid(), layer.featureCount(), read, flush=True)
os._exit(0)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/usr/lib/python3/dist-packages/qgis").is_dir(),
                    reason="QGIS is not installed (apt-get install python3-qgis)")  # fmt: skip
def test_qgis_reads_a_layer(served: str, client: httpx.Client, tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    done = subprocess.run(
        ["/usr/bin/python3", "-c", QGIS, served],
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen", "XDG_RUNTIME_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    wanted = str(matched(client, "grids"))
    assert done.stdout.split()[-3:] == ["True", wanted, wanted], done.stderr[-1000:]
