// Entries of the buffer `coef` (optimisers, guard), of which host/graph/optim.h says what they mean, and pinned constants.
#ifndef SCL_LIB_COEF
#define SCL_LIB_COEF
enum {
    SCL_COEF_RATE,
    SCL_COEF_ADAM_RATE,
    SCL_COEF_ADAM_ROOT,
    SCL_COEF_EPS,
    SCL_COEF_M,
    SCL_COEF_V,
    SCL_COEF_MOMENTUM,
    SCL_COEF_EMA,
    SCL_COEF_CLIP,
    SCL_COEFS = 16
};

// Added to the gradient norm before clip is divided by it: 1e-6.
#define CLIP_EDGE 0x1.0c6f7ap-20f

// Of the logit transform: l = 1e-6 and 1 - 2l.
#define LOGIT_EDGE 0x1.0c6f7ap-20f
#define LOGIT_SCALE 0x1.ffffbcp-1f
#endif
