"""Gzip bodies that cost whoever decompresses them more than they should."""

from __future__ import annotations

import functools
import gzip
import zlib

EMPTY_MEMBER = gzip.compress(b"", mtime=0)

# Four empty blocks, each of which makes the decompressor build its tables anew (RFC 1951, section 3.2.7).
_EMPTY_BLOCKS = bytes.fromhex(
    "04c081000000000090ff6b100007020000000040feaf41001c080000000000f9bf060170200000000000e4ff1a"
)


def laborious(size: int) -> bytes:
    """A valid body of about this size that decompresses to nothing; 1 MB takes a fifth of a second."""
    return EMPTY_MEMBER[:10] + _EMPTY_BLOCKS * (size // len(_EMPTY_BLOCKS)) + EMPTY_MEMBER[10:]


@functools.cache
def bomb(megabytes: int = 100) -> bytes:
    """Zeros, a thousand times smaller."""
    packer = zlib.compressobj(9, wbits=-15)
    zeros = bytes(1_000_000)
    # After a full flush nothing refers to what came before, so the same bytes can follow again.
    million = packer.compress(zeros) + packer.flush(zlib.Z_FULL_FLUSH)
    checksum = functools.reduce(lambda before, _: zlib.crc32(zeros, before), range(megabytes), 0)
    return b"".join(
        [
            EMPTY_MEMBER[:10],
            million * megabytes,
            packer.flush(),
            checksum.to_bytes(4, "little"),
            (megabytes * len(zeros)).to_bytes(4, "little"),
        ]
    )
