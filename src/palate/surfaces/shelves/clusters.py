"""Clusters of directions: the several interests of one listener, found the same way each time.

Spherical k-means (Dhillon and Modha, 2001), begun from the points farthest from each other instead of by chance; how
many there are is told by the silhouette (Rousseeuw, 1987), in cosine distances.
"""

import numpy as np
from numpy.typing import NDArray

MOST_CLUSTERS = 6
ROUNDS = 25
LEAST_SILHOUETTE = 0.1  # below it there is one cluster: any cut of an even cloud reaches about 0.05
LEAST_POINTS = 8  # to look for more than one


def clusters(points: NDArray[np.float32], weights: NDArray[np.float64]) -> NDArray[np.int32]:
    """(m,) the cluster of each point, 0 the heaviest; 1 to MOST_CLUSTERS of them.

    points  # (m, d) float32, unit norm
    weights # (m,) above 0: what weighs more draws its centre more, and begins a cluster before others
    """
    best, best_width = np.zeros(len(points), np.int32), LEAST_SILHOUETTE
    if len(points) < LEAST_POINTS:
        return best
    distances = 1.0 - points @ points.T
    for k in range(2, MOST_CLUSTERS + 1):
        labels = _kmeans(points, weights, k)
        width = silhouette(distances, labels)
        if width > best_width:
            best, best_width = labels, width
    return _heaviest_first(best, weights)


def centres_of(
    points: NDArray[np.float32], weights: NDArray[np.float64], labels: NDArray[np.int32]
) -> NDArray[np.float32]:
    """(clusters, d) float32 the weighted mean direction of each, unit norm or zeros."""
    total = np.zeros((int(labels.max(initial=-1)) + 1, points.shape[1]))
    np.add.at(total, labels, points * weights[:, None])
    length = np.linalg.norm(total, axis=1, keepdims=True)
    return np.asarray(np.divide(total, length, out=total, where=length > 0), np.float32)


def silhouette(distances: NDArray[np.float32], labels: NDArray[np.int32]) -> float:
    """The mean over points of (b - a) / max(a, b): a the mean distance within, b to the nearest other cluster.

    A point alone in its cluster counts 0; with fewer than two clusters all of it is 0.
    """
    member = np.eye(int(labels.max()) + 1, dtype=np.float32)[labels]
    size = member.sum(axis=0)
    if (size > 0).sum() < 2:
        return 0.0
    total = distances @ member
    own = np.arange(len(labels)), labels
    alone = size[labels] < 2
    within = total[own] / np.maximum(size[labels] - 1, 1)
    mean = total / np.maximum(size, 1)
    mean[:, size == 0] = np.inf
    mean[own] = np.inf
    other = mean.min(axis=1)
    widths = (other - within) / np.maximum(np.maximum(other, within), 1e-9)
    return float(np.where(alone, 0.0, widths).mean())


def _kmeans(points: NDArray[np.float32], weights: NDArray[np.float64], k: int) -> NDArray[np.int32]:
    chosen = [int(np.argmax(weights))]
    far = 1.0 - points @ points[chosen[0]]
    for _ in range(k - 1):
        chosen.append(int(np.argmax(far * np.sqrt(weights))))
        far = np.minimum(far, 1.0 - points @ points[chosen[-1]])
    labels: NDArray[np.int32] = np.argmax(points @ points[chosen].T, axis=1).astype(np.int32)
    for _ in range(ROUNDS):
        centres = centres_of(points, weights, labels)
        moved = np.argmax(points @ centres.T, axis=1).astype(np.int32)
        if (moved == labels).all():
            break
        labels = moved
    return labels


def _heaviest_first(labels: NDArray[np.int32], weights: NDArray[np.float64]) -> NDArray[np.int32]:
    """The same clusters, numbered by weight without gaps."""
    there, codes = np.unique(labels, return_inverse=True)
    total = np.bincount(codes, weights)
    place = np.empty(len(there), np.int32)
    place[np.lexsort((np.arange(len(there)), -total))] = np.arange(len(there))
    return np.asarray(place[codes], np.int32)
