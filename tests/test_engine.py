import os

from pipeline.engine import fan_out


def square(number: int) -> tuple[int, int]:
    return number**2, os.getpid()


def test_results_come_in_order_from_other_processes() -> None:
    results = fan_out(square, list(range(20)), "test", "numbers")
    assert [value for value, _ in results] == [n**2 for n in range(20)]
    assert os.getpid() not in {process for _, process in results}
