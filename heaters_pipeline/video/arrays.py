"""Names for kinds of NumPy arrays, each spelled once; shapes stand where arrays are used."""

import numpy as np
import numpy.typing as npt

BoolArray = npt.NDArray[np.bool_]
UInt8Array = npt.NDArray[np.uint8]
Int64Array = npt.NDArray[np.int64]
Float32Array = npt.NDArray[np.float32]
Float64Array = npt.NDArray[np.float64]

Picture = UInt8Array
"""(height, width, 3) uint8 BGR, unless something else is said of it."""
