"""The form of an archive (`docs/state.md`): a header, rows in batches, a trailer to check it all by.

It is written and read from beginning to end, a line at a time.
"""

import hashlib
from collections.abc import Iterator, Sequence
from types import GenericAlias
from typing import IO, Any, Final, Literal

import msgspec

from astakos.administration.state_document import StateError

FORMAT: Final = "astakos-archive"
VERSION = 1
BEGINNING = b'{"format":"' + FORMAT.encode() + b'"'

Row = Sequence[Any]


class TablePart(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What the header says of a table."""

    name: str
    columns: list[str]
    rows: int


class Header(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The first line."""

    format: Literal["astakos-archive"] = FORMAT
    version: int = VERSION
    revision: str
    time: str
    last_serial: int
    tables: list[TablePart]

    @property
    def rows(self) -> int:
        """How many rows there are in all."""
        return sum(table.rows for table in self.tables)


class Trailer(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The last line: the number of rows, and the checksum of all lines before it."""

    rows: int
    sha256: str


class _Version(msgspec.Struct):
    """What the first line says in every version of the form."""

    version: int


def is_archive(first_line: bytes) -> bool:
    """Whether a file that begins with this line is an archive, or a part of one."""
    return first_line.startswith(BEGINNING)


class ArchiveWriter:
    """Writes an archive."""

    def __init__(self, stream: IO[bytes], header: Header) -> None:
        """Write the header."""
        self._stream = stream
        self._checksum = hashlib.sha256()
        self._encoder = msgspec.json.Encoder()
        self._rows = 0
        self._write(header)

    def add(self, table: str, rows: Sequence[Row]) -> None:
        """Write some rows of a table."""
        self._write((table, rows))
        self._rows += len(rows)

    def finish(self) -> None:
        """Write the trailer."""
        self._write(Trailer(self._rows, self._checksum.hexdigest()))
        self._stream.flush()

    def _write(self, value: Any) -> None:
        line = self._encoder.encode(value) + b"\n"
        self._checksum.update(line)
        self._stream.write(line)


class ArchiveReader:
    """Reads an archive.

    Attributes:
        header: its first line.
    """

    def __init__(self, first_line: bytes, stream: IO[bytes], name: str) -> None:
        """Read the header, of an archive that has that name in errors.

        Raises:
            StateError: it is cut off, or of a form that is not known here.
        """
        self._stream = stream
        self._name = name
        self._checksum = hashlib.sha256(first_line)
        self._line = 1
        version = self._decode(msgspec.json.Decoder(_Version), self._whole(first_line)).version
        if version != VERSION:
            raise StateError(
                f"{name} is an archive of form {version}, but this version reads form {VERSION}; "
                "use the version that wrote it"
            )
        self.header: Header = self._decode(msgspec.json.Decoder(Header), first_line)

    def batches(self, row_types: dict[str, Any]) -> Iterator[tuple[str, list[Row]]]:
        """All rows in the order in which they were written, some at a time, and of which table they are.

        Args:
            row_types: what a row of each table consists of.

        Raises:
            StateError: a line is not as it was written, or the end is missing. It may come after all rows.
        """
        split = msgspec.json.Decoder(tuple[str, msgspec.Raw])
        decoders = {
            name: msgspec.json.Decoder(GenericAlias(list, row_type)) for name, row_type in row_types.items()
        }
        left = {table.name: table.rows for table in self.header.tables}
        for line in self._stream:
            self._line += 1
            if line.startswith(b"{"):
                self._finish(self._decode(msgspec.json.Decoder(Trailer), self._whole(line)), left)
                return
            self._checksum.update(line)
            table, content = self._decode(split, self._whole(line))
            if table not in decoders:
                raise self._damaged(f"it names a table {table!r}")
            rows: list[Row] = self._decode(decoders[table], content)
            left[table] -= len(rows)
            yield table, rows
        raise self._cut_off()

    def _finish(self, trailer: Trailer, left: dict[str, int]) -> None:
        if trailer.sha256 != self._checksum.hexdigest():
            raise StateError(f"{self._name} is not as it was written: its checksum is another one")
        if any(left.values()) or trailer.rows != self.header.rows:
            raise StateError(f"{self._name} has not as many rows as its header says")
        if self._stream.read(1):
            raise StateError(f"{self._name} goes on behind its end in line {self._line}")

    def _decode(self, decoder: msgspec.json.Decoder[Any], content: bytes | msgspec.Raw) -> Any:
        try:
            return decoder.decode(content)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise self._damaged(str(error)) from error

    def _whole(self, line: bytes) -> bytes:
        if not line.endswith(b"\n"):
            raise self._cut_off()
        return line

    def _damaged(self, reason: str) -> StateError:
        return StateError(f"{self._name} is not as it was written: in line {self._line}, {reason}")

    def _cut_off(self) -> StateError:
        return StateError(f"{self._name} is cut off: its end is missing")
