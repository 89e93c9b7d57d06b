import pytest

from simulator.kubelet.pod_directory import PodDirectory
from simulator.kubelet.runtime import StartError
from simulator.kubelet.volumes import (
    Claim,
    EmptyDirectory,
    Files,
    HostPath,
    Mount,
    VolumeError,
    mounts_of,
    resolve_volumes,
)

OBJECTS = {
    ("ConfigMap", "settings"): {"data": {"a": "1", "b": "2"}},
    ("Secret", "keys"): {"data": {"token": "czNjcmV0"}},
    ("PersistentVolumeClaim", "disk"): {"metadata": {"uid": "c1"}},
}


def resolve(*volumes):
    metadata = {"name": "p", "namespace": "ns", "labels": {"app": "x"}}
    pod = {"metadata": metadata, "spec": {"volumes": list(volumes)}}
    return resolve_volumes(pod, lambda kind, name: OBJECTS.get((kind, name)))


@pytest.mark.parametrize(
    ("volume", "resolved"),
    [
        ({"name": "v", "emptyDir": {}}, EmptyDirectory("v")),
        ({"name": "v"}, EmptyDirectory("v")),
        (
            {"name": "v", "hostPath": {"path": "/x", "type": "DirectoryOrCreate"}},
            HostPath("v", "/x", create=True),
        ),
        (
            {"name": "v", "persistentVolumeClaim": {"claimName": "disk"}},
            Claim("v", "c1"),
        ),
        ({"name": "v", "secret": {"secretName": "keys"}}, Files("v", {"token": b"s3cret"})),
        (
            {
                "name": "v",
                "configMap": {"name": "settings", "items": [{"key": "a", "path": "d/a"}]},
            },
            Files("v", {"d/a": b"1"}),
        ),
        ({"name": "v", "configMap": {"name": "none", "optional": True}}, Files("v", {})),
        (
            {
                "name": "v",
                "projected": {
                    "sources": [
                        {"secret": {"name": "keys"}},
                        {
                            "downwardAPI": {
                                "items": [
                                    {"path": "l", "fieldRef": {"fieldPath": "metadata.labels"}}
                                ]
                            }
                        },
                    ]
                },
            },
            Files("v", {"token": b"s3cret", "l": b'app="x"'}),
        ),
    ],
)
def test_kinds(volume, resolved):
    assert resolve(volume) == [resolved]


@pytest.mark.parametrize(
    ("volume", "message"),
    [
        ({"name": "v", "configMap": {"name": "none"}}, 'volume "v": configmap "none" not found'),
        ({"name": "v", "nfs": {"server": "s"}}, "nfs is not supported here"),
        (
            {"name": "v", "persistentVolumeClaim": {"claimName": "none"}},
            'persistentvolumeclaim "none" not found',
        ),
    ],
)
def test_what_is_missing_is_named(volume, message):
    with pytest.raises(VolumeError, match=message):
        resolve(volume)


def test_mount_of_an_unknown_volume_is_refused():
    with pytest.raises(VolumeError, match="names no volume"):
        mounts_of({"volumeMounts": [{"name": "x", "mountPath": "/x"}]}, [])


def test_paths_below_a_mount_are_rewritten_and_others_left(tmp_path):
    directory = PodDirectory(tmp_path, "uid")
    models, cache = EmptyDirectory("models"), EmptyDirectory("cache")
    directory.prepare([models, cache])
    mounts = [Mount(volume=models, path="/models"), Mount(volume=cache, path="/models/cache")]
    root = tmp_path / "pods/uid/volumes"

    def rewrite(text):
        return directory.rewrite(text, mounts)

    assert rewrite("--repository=/models") == f"--repository={root}/models"
    assert rewrite("/models/a:/models/cache/b") == f"{root}/models/a:{root}/cache/b"
    for text in ("/models2", "/x/models", "models", "http://h/models", "a/models.txt"):
        assert rewrite(text) == text


def test_secret_files_are_for_their_owner_only_and_stay_inside(tmp_path):
    directory = PodDirectory(tmp_path, "uid")
    directory.prepare([Files("v", {"d/key": b"k"})])
    key = tmp_path / "pods/uid/volumes/v/d/key"
    assert (key.read_bytes(), key.stat().st_mode & 0o777) == (b"k", 0o600)
    with pytest.raises(StartError, match="leads out of its volume"):
        directory.prepare([Files("v", {"../../key": b"k"})])


def test_sub_path_and_claim(tmp_path):
    directory = PodDirectory(tmp_path, "uid")
    claim = Claim("v", "c1")
    directory.prepare([claim])
    source = directory.source(Mount(volume=claim, path="/data", sub_path="a/b"))
    assert source == tmp_path / "claims/c1/a/b"
    directory.remove()
    assert source.is_dir()
