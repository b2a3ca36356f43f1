"""A keyed permutation of the numbers below any bound that leaves none in its place; without the key it says nothing.

It is a Feistel network (Luby and Rackoff, 1988) over numbers of enough bits, walked until the number is below the bound
again (Black and Rogaway, 2002). Numbers are scrambled, moved on by one, and unscrambled: so none stays what it was.
"""

from hashlib import shake_256

_ROUNDS = 6


class Permutation:
    """The permutations that one key gives, one for each bound and `domain`."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def image(self, number: int, bound: int, domain: bytes) -> int:
        """Return what stands for a number below `bound`: another one, if there is another."""
        if bound < 2:
            return number
        place = self._walked(number, bound, domain, range(_ROUNDS))
        return self._walked((place + 1) % bound, bound, domain, range(_ROUNDS - 1, -1, -1))

    def _walked(self, number: int, bound: int, domain: bytes, rounds: range) -> int:
        while True:
            number = self._scrambled(number, (bound - 1).bit_length(), domain, rounds)
            if number < bound:
                return number

    def _scrambled(self, number: int, bits: int, domain: bytes, rounds: range) -> int:
        """Run the rounds in this order, each of which changes one half by the other: backwards they undo themselves."""
        width = bits - bits // 2
        left, right = number >> width, number & ((1 << width) - 1)
        for turn in rounds:
            if turn % 2:
                right ^= self._noise(turn, left, width, domain)
            else:
                left ^= self._noise(turn, right, bits - width, domain)
        return left << width | right

    def _noise(self, turn: int, number: int, bits: int, domain: bytes) -> int:
        length = (max(bits, number.bit_length()) + 7) // 8
        said = b"%d|%d|%s|%s" % (turn, bits, domain, number.to_bytes(length, "big"))
        return int.from_bytes(shake_256(self._key + said).digest(length), "big") & ((1 << bits) - 1)
