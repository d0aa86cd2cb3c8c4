"""Conic problems with exact solutions."""

from fractions import Fraction

from flint import fmpq

from sdescent.derive.proof.search.conic import ConicProblem, squares


def least_eigenvalue_problem() -> tuple[ConicProblem, int]:
    """t with [[2, 1], [1, 3]] - t I psd: the largest t is (5 - sqrt(5))/2 = 1.38197."""
    problem = ConicProblem()
    t, block = problem.scalar("free"), problem.block(2)
    for (i, j), value in {(0, 0): 2, (0, 1): 1, (1, 1): 3}.items():
        problem.equation({block.at(i, j): 1, **({t: 1} if i == j else {})}, value)
    return problem, t


def test_an_optimum_and_an_exact_solution_near_it() -> None:
    problem, t = least_eigenvalue_problem()
    x = problem.optimum({t: -1.0})
    assert x is not None and abs(x[t] - (5 - 5**0.5) / 2) < 1e-7
    # with t = 4/3 there is an interior; with t = 7/5 > 1.382 there is no solution
    for value, solvable in ((fmpq(4, 3), True), (fmpq(7, 5), False)):
        problem, t = least_eigenvalue_problem()
        problem.equation({t: 1}, value)
        point = problem.interior()
        y = None if point is None else problem.rounded(point[0])
        assert (y is not None) is solvable
        assert y is None or (y[t] == value and problem.holds(y))


def test_a_solution_on_a_face_is_rounded_there() -> None:
    """[[1, x], [x, 1]] psd with x as large as possible is singular: x = 1."""
    problem = ConicProblem()
    block = problem.block(2)
    problem.equation({block.at(0, 0): 1}, 1)
    problem.equation({block.at(1, 1): 1}, 1)
    y = problem.on_face({block.at(0, 1): -1.0})
    assert y is not None and y[block.at(0, 1)] == 1 and squares(block.matrix(y)) == [(1, [1, 1])]


def test_a_matrix_that_is_not_psd_has_no_squares() -> None:
    for matrix in ([[1, 2], [2, 1]], [[0, 1], [1, 0]], [[-1, 0], [0, 1]]):
        assert squares([[fmpq(c) for c in row] for row in matrix]) is None
    problem = ConicProblem()
    block = problem.block(2)
    problem.equation({block.at(0, 1): 1}, 2)
    values = [fmpq(Fraction(c).numerator) for c in (1, 2, 1)]
    assert not problem.holds(values)
