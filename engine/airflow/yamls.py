"""`airflow.utils.yaml`: PyYAML by its own names, imported when one of them is asked for."""

from __future__ import annotations

from typing import Any

from penstock.authoring.exceptions import AirflowOptionalProviderFeatureException


def _library() -> Any:
    try:
        import yaml
    except ImportError:
        raise AirflowOptionalProviderFeatureException(
            "YAML needs PyYAML, which is not installed here. Install it: pip install pyyaml"
        ) from None
    return yaml


def safe_load(stream: Any) -> Any:
    """Return what a YAML text or file says."""
    yaml = _library()
    return yaml.load(stream, getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def dump(data: Any, **kwargs: Any) -> Any:
    """Return data as YAML."""
    yaml = _library()
    return yaml.dump(data, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper), **kwargs)


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    loaders = {"FullLoader": "CFullLoader", "SafeLoader": "CSafeLoader", "Loader": "CLoader"}
    library = _library()
    return getattr(library, loaders.get(name, name), None) or getattr(library, name)
