"""Made-up people and places for simulated records; all phone numbers are from ranges reserved for fiction."""

from random import Random

FIRST = ("Pat", "Kim", "Ana", "Luis", "Mei", "Ömer", "Zoë", "Ivan", "Aïcha", "Sam", "Noor", "Jürgen", "Siân", "Bo")
LAST = ("Example", "O'Neil", "García", "Nguyễn", "Ünal", "Smith-Jones", "Łuk", "de la Cruz", "Kaya", "Park", "Roe")
PLACES = (("Wichita", "KS", "67202"), ("Phoenix", "AZ", "85004"), ("Chicago", "IL", "60601"), ("NF", "NF", "NF"))


def name(rng: Random) -> tuple[str, str]:
    """Return a first and a last name."""
    return rng.choice(FIRST), rng.choice(LAST)


def us_number(rng: Random) -> str:
    """Return a phone number as Americans write it, without a country code."""
    return f"{rng.choice((316, 602, 312, 719))}-555-01{rng.randrange(100):02}"
