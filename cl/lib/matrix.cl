// All kernels for matrix units.
#include "lib/matrix_tile.cl"
#include "lib/matrix_pack.cl"
#include "lib/matrix_conv.cl"
#include "lib/matrix_dw.cl"
