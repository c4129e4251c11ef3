// Constants of the canonical sums (docs/design/arithmetic.md 3), for kernels and for C.  None is a tunable.
#ifndef SCL_LIB_SUM_ORDER
#define SCL_LIB_SUM_ORDER
#define SUM_GROUP 64   /* values of a chain of sum64 */
#define SUM_LANES 64   /* lanes of a block of a flat row */
#define SUM_BLOCK 1024 /* values of a block */
#define SUM_LEAF 4     /* side of a leaf of pixels */
#define SUM_LEVELS 4   /* of a streamed sum64: up to 2^24 values */
#endif
