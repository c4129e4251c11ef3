// sum64 as a stream of floatT: the i-th value joins a chain of 64, a full chain joins the chain above.  An empty level holds +0,
// which changes nothing, as no value is -0.  Included by lib/sum.cl for floats and for vectors; STREAM is the type's name.
typedef struct STREAM { floatT level[SUM_LEVELS]; } STREAM;

static inline void FN(clear)(STREAM *s)
{
    for (int k = 0; k < SUM_LEVELS; k++)
        s->level[k] = (floatT)(0.0f);
}

static inline void FN(join)(STREAM *s, const int i, const floatT v)
{
    s->level[0] += v;
    int full = i + 1;
    for (int k = 1; k < SUM_LEVELS && full % SUM_GROUP == 0; k++) {
        s->level[k] += s->level[k - 1];
        s->level[k - 1] = (floatT)(0.0f);
        full /= SUM_GROUP;
    }
}

static inline floatT FN(total)(const STREAM *s)
{
    floatT sum = s->level[0];
    for (int k = 1; k < SUM_LEVELS; k++)
        sum = s->level[k] + sum;
    return sum;
}
