"""Files of trained numbers: weights (.caffemodel, .caffemodel.h5, .npz) and solver states (.solverstate)."""
