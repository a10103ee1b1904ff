import numpy as np

from r2n2.evaluation.metrics import average_precision, intersection_over_union


def test_iou_counts_voxels_above_the_threshold() -> None:
    occupancy = np.array([0.9, 0.5, 0.41, 0.4, 0.1])
    truth = np.array([True, False, True, True, False])
    assert intersection_over_union(occupancy, truth, 0.4) == 2 / 4


def test_iou_of_two_empty_grids_is_one() -> None:
    assert intersection_over_union(np.zeros(8), np.zeros(8, bool)) == 1


def test_average_precision_matches_a_calculation_by_hand() -> None:
    # Ranks: hit, miss, hit. Precision at the hits 1/1 and 2/3, each with half of the recall.
    assert np.isclose(average_precision(np.array([0.9, 0.8, 0.7]), np.array([1, 0, 1])), (1 + 2 / 3) / 2)


def test_average_precision_ranks_equal_scores_together() -> None:
    assert np.isclose(average_precision(np.array([0.5, 0.5]), np.array([1, 0])), 0.5)
    assert np.isclose(average_precision(np.array([0.5, 0.5]), np.array([0, 1])), 0.5)


def test_average_precision_of_a_perfect_ranking_is_one() -> None:
    truth = np.random.default_rng(0).random((32, 32, 32)) < 0.1
    assert average_precision(truth.astype(np.float32), truth) == 1
