"""`airflow.utils.email`, what of it makes a message; what would send one is not here."""

from __future__ import annotations

import re
from collections.abc import Iterable
from email.mime.application import MIMEApplication
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.utils import formatdate
from pathlib import Path
from typing import Any


def get_email_address_list(addresses: str | Iterable[str]) -> list[str]:
    """Return addresses that come as a list, or as one text with commas or semicolons."""
    if isinstance(addresses, str):
        return [part for part in re.split(r"\s*[,;]\s*", addresses.strip()) if part]
    found = list(addresses)
    if not all(isinstance(address, str) for address in found):
        raise TypeError(f"email addresses are texts, these are {found!r}")
    return [part for address in found for part in get_email_address_list(address)]


def build_mime_message(
    mail_from: str | None,
    to: str | Iterable[str],
    subject: str,
    html_content: str,
    files: list[str] | None = None,
    cc: str | Iterable[str] | None = None,
    bcc: str | Iterable[str] | None = None,
    mime_subtype: str = "mixed",
    mime_charset: str = "utf-8",
    custom_headers: dict[str, Any] | None = None,
) -> tuple[MIMEMultipart, list[str]]:
    """Return a message with its attachments, and all who are to get it (bcc: only there)."""
    direct, copies = get_email_address_list(to), get_email_address_list(cc or [])
    message = MIMEMultipart(mime_subtype)
    headers = {"Subject": subject, "From": mail_from, "To": ", ".join(direct)}
    headers |= {"CC": ", ".join(copies), "Date": formatdate(localtime=True)}
    for header, value in (headers | (custom_headers or {})).items():
        if value:
            message[header] = value
    message.attach(MIMEText(html_content, "html", mime_charset))
    for path in map(Path, files or []):
        part = MIMEApplication(path.read_bytes(), Name=path.name)
        part["Content-Disposition"] = f'attachment; filename="{path.name}"'
        part["Content-ID"] = f"<{path.name}>"
        message.attach(part)
    return message, [*direct, *copies, *get_email_address_list(bcc or [])]
