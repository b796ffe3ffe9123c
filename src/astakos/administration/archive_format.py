"""The format of an archive (`docs/state.md`): a header, batches of rows, and a trailer with a checksum.

An archive is written and read sequentially, one line at a time.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import GenericAlias
from typing import IO, Annotated, Any, Final, Literal

import msgspec

from astakos.administration.state_document import StateError

FORMAT: Final = "astakos-archive"
VERSION = 1
BEGINNING = b'{"format":"' + FORMAT.encode() + b'"'

LARGEST_LAST_SERIAL: Final = 2**62
"""A database that has come so far can still give as many serials again."""
SERIAL: Final = "serial"
"""The column that has the serial of a commission, in each table that has one."""

Row = Sequence[Any]
Report = Callable[[int, int], None]
"""Called with the number of rows processed so far and the total number."""


class TablePart(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A table in the header."""

    name: str
    columns: list[str]
    rows: Annotated[int, msgspec.Meta(ge=0)]


class Header(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The first line."""

    format: Literal["astakos-archive"] = FORMAT
    version: int = VERSION
    revision: str
    time: str
    last_serial: Annotated[int, msgspec.Meta(ge=0, le=LARGEST_LAST_SERIAL)]
    tables: list[TablePart]

    @property
    def rows(self) -> int:
        """The total number of rows."""
        return sum(table.rows for table in self.tables)


class Trailer(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The last line: the number of rows, and the checksum of all lines before it."""

    rows: int
    sha256: str


class _Version(msgspec.Struct):
    """The part of the first line that is the same in every version of the format."""

    version: int


def is_archive(first_line: bytes) -> bool:
    """Whether a file with this first line is an archive; the line may be incomplete."""
    return first_line.startswith(BEGINNING)


class ArchiveWriter:
    """Writes an archive."""

    def __init__(self, stream: IO[bytes], header: Header) -> None:
        """Writes the header."""
        self._stream = stream
        self._checksum = hashlib.sha256()
        self._encoder = msgspec.json.Encoder()
        self._rows = 0
        self._write(header)

    def add(self, table: str, rows: Sequence[Row]) -> None:
        """Writes some rows of a table."""
        self._write((table, rows))
        self._rows += len(rows)

    def finish(self) -> None:
        """Writes the trailer."""
        self._write(Trailer(self._rows, self._checksum.hexdigest()))
        self._stream.flush()

    def _write(self, value: Any) -> None:
        line = self._encoder.encode(value) + b"\n"
        self._checksum.update(line)
        self._stream.write(line)


class ArchiveReader:
    """Reads an archive.

    Attributes:
        name: what errors call the archive.
        header: the header of the archive.
    """

    def __init__(self, first_line: bytes, stream: IO[bytes], name: str) -> None:
        """Reads the header.

        Raises:
            StateError: the header is truncated, damaged, or of an unknown version of the format.
        """
        self._stream = stream
        self.name = name
        self._checksum = hashlib.sha256(first_line)
        self._line = 1
        version = self._decode(msgspec.json.Decoder(_Version), self._whole(first_line)).version
        if version != VERSION:
            raise StateError(
                f"{name} is an archive of format {version}, but this version reads format {VERSION}; "
                "use the version that wrote it"
            )
        self.header: Header = self._decode(msgspec.json.Decoder(Header), first_line)

    def batches(self, row_types: dict[str, Any]) -> Iterator[tuple[str, list[Row]]]:
        """Yields batches of rows with the names of their tables, in the order in which they were written.

        Args:
            row_types: the type of a row, by table.

        Raises:
            StateError: the archive is damaged or truncated. This may happen after the last row.
        """
        split = msgspec.json.Decoder(tuple[str, msgspec.Raw])
        decoders = {
            name: msgspec.json.Decoder(GenericAlias(list, row_type)) for name, row_type in row_types.items()
        }
        left = {table.name: table.rows for table in self.header.tables}
        serials = {
            table.name: table.columns.index(SERIAL) for table in self.header.tables if SERIAL in table.columns
        }
        for line in self._stream:
            self._line += 1
            if line.startswith(b"{"):
                self._finish(self._decode(msgspec.json.Decoder(Trailer), self._whole(line)), left)
                return
            self._checksum.update(line)
            table, content = self._decode(split, self._whole(line))
            if table not in decoders:
                raise self._damaged(f"the table {table!r} is unknown")
            rows: list[Row] = self._decode(decoders[table], content)
            left[table] -= len(rows)
            if table in serials:
                self._require_given(row[serials[table]] for row in rows)
            yield table, rows
        raise self._cut_off()

    def _require_given(self, serials: Iterable[int]) -> None:
        """Requires that no serial would be given once more."""
        largest = max(serials, default=0)
        if largest > self.header.last_serial:
            raise self._damaged(
                f"the serial {largest} is larger than the last one in the header, {self.header.last_serial}"
            )

    def _finish(self, trailer: Trailer, left: dict[str, int]) -> None:
        if trailer.sha256 != self._checksum.hexdigest():
            raise StateError(f"{self.name} is damaged: its checksum does not match")
        if any(left.values()) or trailer.rows != self.header.rows:
            raise StateError(f"{self.name} is damaged: its number of rows does not match its header")
        if self._stream.read(1):
            raise StateError(f"{self.name} is damaged: it continues after its last line {self._line}")

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
        return StateError(f"{self.name} is damaged in line {self._line}: {reason}")

    def _cut_off(self) -> StateError:
        return StateError(f"{self.name} is truncated: its end is missing")
