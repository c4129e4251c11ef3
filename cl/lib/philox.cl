// The counter-based generator: scl_philox on uint, scl_philox_v on uintV.  What the words are keyed by: docs/design/arithmetic.md 6.
#ifndef SCL_LIB_PHILOX
#define SCL_LIB_PHILOX
#include "lib/vec.cl"

#define FN(name) scl_##name
#define uintT uint
#include "lib/philox_body.h"
#undef FN
#undef uintT
#if VEC > 1
#define FN(name) scl_##name##_v
#define uintT uintV
#include "lib/philox_body.h"
#undef FN
#undef uintT
#else
#define scl_philox_v scl_philox
#endif
#endif
