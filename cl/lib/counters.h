// Entries of the buffer `counters`; graph/graph.h says what they mean, graph/arith.c that the numbers are the same.
#ifndef SCL_LIB_COUNTERS
#define SCL_LIB_COUNTERS
#define CNT_SEED_LO 0
#define CNT_SEED_HI 1
#define CNT_STEP 2
#define CNT_POSITION 3
#define CNT_BATCH 4
#define CNT_FIRST 5
#define CNT_SAMPLE 6
#define CNT_SLOT 7
#endif
