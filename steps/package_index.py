"""PackageIndexHook: where pip looks for packages, as a connection of type `package_index`."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from penstock.authoring.exceptions import AirflowException
from penstock.authoring.hooks import BaseHook


class PackageIndexHook(BaseHook):
    """A connection whose host is an index's URL; login and password are put into it.

    `PackageIndexHook("inner").get_connection_url()`.
    """

    conn_name_attr = "pi_conn_id"
    default_conn_name = "package_index_default"
    conn_type = "package_index"
    hook_name = "Package Index (Python)"

    def __init__(self, pi_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.pi_conn_id = pi_conn_id

    def get_connection_url(self) -> str:
        """Return the URL, with the credentials in it. Raises AirflowException without a host."""
        found = self.get_connection(self.pi_conn_id)
        if not found.host:
            raise AirflowException(
                f"the connection {self.pi_conn_id!r} has no host: set it to the index's URL."
            )
        url = urlsplit(found.host)
        if not (found.login or found.password):
            return str(found.host)
        who = ":".join(quote(part or "", safe="") for part in (found.login, found.password))
        return url._replace(netloc=f"{who}@{url.netloc.rpartition('@')[2]}").geturl()
