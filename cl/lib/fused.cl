// What a plan has fused into an operator's kernel (host/ops/fused.c writes these macros from expressions); by default nothing.
//
//   PRE_ARGS   further kernel parameters, each with a comma behind it; PRE_PASS hands them to a function
//   PRE_HOIST(n, c, count)  declares what is the same for VEC channels from c on of sample n, of which `count` exist
//   PRE(v)     what stands for the value v read from the first input: flushed; padding stays zero
//   POST_ARGS, POST_PASS, POST_HOIST  likewise;  POST_LOAD(e, count)  declares what is read at element e of the result
//   POST(v)    what is stored instead of the result v; HAS_POST: is there one?
#ifndef LIB_FUSED_CL
#define LIB_FUSED_CL

// A vector of channels of which `count` exist.  CUT 0: the channels of every tensor are a multiple of VEC.
#ifndef CUT
#define CUT 1
#endif
#if CUT
#define LOAD_CUT(p, count) load_some(p, count)
#define STORE_CUT(v, p, count) store_some(v, p, count)
#else
#define LOAD_CUT(p, count) vloadV(p)
#define STORE_CUT(v, p, count) vstoreV(v, p)
#endif

#ifdef PRE
#define PRE_INSIDE(v, inside) ((inside) ? PRE(v) : (floatV)(0.0f))
#else
#define PRE_ARGS
#define PRE_PASS
#define PRE_HOIST(n, c, count)
#define PRE_INSIDE(v, inside) (v)
#endif
#ifdef POST
#define HAS_POST 1
#else
#define HAS_POST 0
#define POST_ARGS
#define POST_PASS
#define POST_HOIST(n, c, count)
#define POST_LOAD(e, count)
#define POST(v) (v)
#endif

#endif
