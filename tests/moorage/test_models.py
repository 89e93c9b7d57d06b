"""``models build``, on weights of a few kilobytes."""

import pytest
from typer.testing import CliRunner

from moorage.cli import app
from tests.triton_models.conversion.tiny_checkpoints import write_tiny_checkpoint
from triton_models.chat_lm.generation.manifest import verify


@pytest.fixture
def build(tmp_path):
    def build(source, *options):
        arguments = ["models", "build", str(source), "--to", str(tmp_path / "models"), *options]
        return CliRunner().invoke(app, arguments)

    return build


def test_a_folder_becomes_an_entry_named_after_it(build, tmp_path):
    folder = write_tiny_checkpoint(tmp_path / "tiny-qwen-2.5", "qwen2")
    result = build(folder, "--precision", "int8", "--context-length", "32")
    assert result.exit_code == 0, result.output
    entry = tmp_path / "models" / "tiny-qwen-2.5"
    assert result.stdout == f"{entry}\n"
    assert "converting tiny-qwen-2.5" in result.stderr
    manifest = verify(entry / "1")
    assert (manifest.precision, manifest.shape.context_length) == ("int8", 32)
    assert "already" in build(folder, "--precision", "int8", "--context-length", "32").stderr


def test_name_and_licence_are_what_the_options_say(build, tmp_path):
    folder = write_tiny_checkpoint(tmp_path / "folder", "llama")
    assert build(folder, "--name", "mine", "--licence", "MIT").exit_code == 0
    assert verify(tmp_path / "models" / "mine" / "1").source.licence == "MIT"


def test_what_cannot_be_converted_is_told_and_nothing_is_left(build, tmp_path):
    folder = write_tiny_checkpoint(tmp_path / "moe", "llama", architectures=["MixtralForCausalLM"])
    result = build(folder)
    assert result.exit_code == 2
    assert "'MixtralForCausalLM' is not one of" in result.stderr
    result = build(tmp_path / "nowhere")
    assert result.exit_code == 2
    assert "nowhere does not exist" in result.stderr
    assert not (tmp_path / "models").exists()
