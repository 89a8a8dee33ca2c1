"""Numbers in units of H.264, whose content is written bit by bit (ITU-T H.264, 7.2 and 9.1)."""


def unescaped(content: bytes) -> bytes:
    """Content of a unit without the bytes that keep start codes from arising (7.4.1)."""
    return content.replace(b"\0\0\3", b"\0\0")


class BitReader:
    """Reads content bit by bit.

    Args:
        content: As ``unescaped`` gives it.
    Raises (wherever it reads):
        ValueError: The content ends before.
    """

    def __init__(self, content: bytes) -> None:
        self._bits = int.from_bytes(content, "big")
        self._left = 8 * len(content)

    @classmethod
    def of_unit(cls, unit: bytes) -> "BitReader":
        """A reader of a unit as it stands in the stream, from the byte after its header on."""
        return cls(unescaped(unit[1:]))

    def number(self, count: int) -> int:
        """An unsigned number of so many bits."""
        self._left -= count
        if self._left < 0:
            raise ValueError("a parameter set of H.264 is cut short")
        return self._bits >> self._left & ((1 << count) - 1)

    def flag(self) -> bool:
        """One bit."""
        return bool(self.number(1))

    def exp_golomb(self) -> int:
        """An unsigned number in Exp-Golomb code (9.1)."""
        zeros = 0
        while not self.number(1):
            zeros += 1
        return (1 << zeros) - 1 + self.number(zeros)

    def signed_exp_golomb(self) -> int:
        """A signed number in Exp-Golomb code (9.1.1)."""
        coded = self.exp_golomb()
        return (coded + 1) // 2 if coded % 2 else -coded // 2
