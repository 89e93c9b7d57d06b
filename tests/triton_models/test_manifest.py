import json
import os
import shutil

import pytest

from triton_models.chat_lm.generation.manifest import MANIFEST_NAME, ManifestError, verify
from triton_models.conversion.repository import write_entry


@pytest.fixture
def artefacts(tiny_artefacts, tmp_path):
    return shutil.copytree(tiny_artefacts, tmp_path / "artefacts")


def test_intact_files_are_accepted(artefacts):
    manifest = verify(artefacts)
    assert set(manifest.files) == {
        *("model.onnx", "model_with_adapters.onnx", "model.onnx.data"),
        *("tokenizer.json", "chat_template.jinja"),
    }
    assert manifest.source.licence == "Apache-2.0"
    assert manifest.made_with["converter"]


def test_a_changed_byte_is_found_and_named(artefacts):
    path = artefacts / "model.onnx.data"
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        byte = file.read(1)[0]
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 1]))
    with pytest.raises(ManifestError, match=r"model\.onnx\.data is corrupt"):
        verify(artefacts)


def test_a_truncated_file_is_found_and_named(artefacts):
    path = artefacts / "tokenizer.json"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ManifestError, match=r"tokenizer\.json has \d+ bytes"):
        verify(artefacts)


def test_a_missing_file_is_found_and_named(artefacts):
    (artefacts / "chat_template.jinja").unlink()
    with pytest.raises(ManifestError, match=r"chat_template\.jinja cannot be read"):
        verify(artefacts)


@pytest.mark.parametrize("change", [{"format": 1}, {"shape": {}}, {"files": {"x": {}}}])
def test_a_manifest_of_another_shape_is_refused(artefacts, change):
    path = artefacts / MANIFEST_NAME
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ManifestError, match="manifest"):
        verify(artefacts)


def test_an_entry_has_what_triton_needs_and_intact_artefacts(artefacts, tmp_path):
    entry = tmp_path / "models" / "tiny"
    entry.parent.mkdir()
    write_entry(artefacts, entry)
    verify(entry / "1")
    assert (entry / "config.pbtxt").is_file()
    assert (entry / "configs" / "gpu.pbtxt").is_file()
    assert (entry / "1" / "model.py").is_file()
    assert (entry / "1" / "generation" / "engine.py").is_file()
    assert [path.name for path in entry.parent.iterdir()] == ["tiny"]


def test_an_entry_is_replaced_whole(artefacts, tmp_path):
    entry = tmp_path / "tiny"
    (entry / "1").mkdir(parents=True)
    (entry / "1" / "left_over.py").touch()
    write_entry(artefacts, entry)
    assert not (entry / "1" / "left_over.py").exists()
