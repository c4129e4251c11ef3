/* A case made concrete, and what oracles see of it. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "op_run.h"

int t_find(const t_run *r, const char *name)
{
    for (int i = 0; i < r->n; i++)
        if (!strcmp(r->tensor[i].sig.name, name))
            return i;
    return -1;
}

/* "N=2 D=5x7x2": letters and the shape behind the starred one. */
static scl_status parse_dims(t_run *r, scl_err *err)
{
    for (const char *p = r->c->dims; p && *p;) {
        while (*p == ' ')
            p++;
        if (!*p)
            break;
        if (*p < 'A' || *p > 'Z' || p[1] != '=')
            return scl_fail(err, SCL_FAILED, "dims \"%s\" are not LETTER=NUMBER", r->c->dims);
        int *letter = &r->letter[*p - 'A'], rank = 0, dims[SCL_MAX_RANK];
        *letter = 1;
        p++;
        do {
            char *end;
            dims[rank] = (int)strtol(p + 1, &end, 10);
            *letter *= dims[rank++];
            p = end;
        } while (*p == 'x' && rank < SCL_MAX_RANK);
        if (rank > 1) {
            r->star_rank = rank;
            memcpy(r->star_dim, dims, sizeof dims);
        }
    }
    return SCL_OK;
}

static bool listed(const char *list, const char *name)
{
    const size_t length = strlen(name);
    for (const char *p = list; p && *p; p += strcspn(p, " ") + strspn(p + strcspn(p, " "), " "))
        if (*p == '*' || (strcspn(p, " ") == length && !strncmp(p, name, length)))
            return true;
    return false;
}

static scl_status shape_of(const t_run *r, t_tensor *t, scl_err *err)
{
    const scl_sig *s = &t->sig;
    t->count = 1;
    for (int d = 0; d < s->rank; d++) {
        const scl_sig_dim *e = &s->dim[d];
        const int number = e->letter ? r->letter[e->letter - 'A'] : e->number;
        if (number <= 0)
            return scl_fail(err, SCL_FAILED, "letter %c of input \"%s\" is not given", e->letter, s->name);
        if (e->star && r->star_rank) {
            for (int k = 0; k < r->star_rank; k++)
                t->dims[t->rank++] = r->star_dim[k];
            t->count *= (size_t)number;
            continue;
        }
        t->dims[t->rank] = e->letter ? number * e->mul / e->div : number;
        t->count *= (size_t)t->dims[t->rank++];
    }
    t->by_sample = s->dim[0].letter == 'N' && !s->dim[0].star && s->dim[0].mul == 1 && s->dim[0].div == 1;
    t->bytes = t->count * scl_dtype_bytes(s->dtype);
    return SCL_OK;
}

static scl_status declare_inputs(t_run *r, scl_err *err)
{
    const bool pointwise = !strcmp(r->table->name, "pointwise");
    const char *const *in = pointwise ? r->c->in : r->table->in;
    for (int i = 0; i < SCL_MAX_IN && in[i]; i++) {
        t_tensor *t = &r->tensor[r->n++];
        t->sig = scl_sig_parse(in[i]);
        t->given =
            !t->sig.optional || (strcmp(t->sig.name, "acc") != 0 && !listed(r->c->absent, t->sig.name));
        if (t->given)
            T_TRY(shape_of(r, t, err));
    }
    r->n_in = r->n;
    return SCL_OK;
}

/* The shapes of the outputs are what scl_apply made of the signature. */
static void declare_outputs(t_run *r)
{
    const scl_node *n = r->built.node;
    for (int o = 0; o < n->n_out + r->has_root; o++) {
        t_tensor *t = &r->tensor[r->n];
        const scl_value *v = r->built.value[r->n];
        if (o < n->n_out && r->table->out[o])
            t->sig = scl_sig_parse(r->table->out[o]);
        else
            strcpy(t->sig.name, o < n->n_out ? "out" : "root");
        t->out = t->given = true;
        t->sig.dtype = v->dtype;
        t->rank = v->rank;
        memcpy(t->dims, v->dim, sizeof t->dims);
        t->count = scl_value_count(v);
        t->bytes = scl_value_bytes(v);
        r->n++;
    }
}

static uint32_t counter(const char *text, const char *name, uint32_t otherwise)
{
    const char *at = text ? strstr(text, name) : NULL;
    return at ? (uint32_t)strtoul(at + strlen(name), NULL, 0) : otherwise;
}

static void set_counters(t_run *r)
{
    const char *text = r->c->counters;
    const int n = r->letter['N' - 'A'];
    uint32_t *c = r->counters;
    const uint64_t seed =
        text && strstr(text, "seed=") ? strtoull(strstr(text, "seed=") + 5, NULL, 0) : 0x9e3779b97f4a7c15u;
    c[SCL_CNT_SEED_LO] = (uint32_t)seed;
    c[SCL_CNT_SEED_HI] = (uint32_t)(seed >> 32);
    c[SCL_CNT_STEP] = counter(text, "step=", 3);
    c[SCL_CNT_POSITION] = counter(text, "position=", 0);
    c[SCL_CNT_BATCH] = counter(text, "batch=", c[SCL_CNT_POSITION] + (uint32_t)n);
    c[SCL_CNT_FIRST] = counter(text, "first=", 0);
    c[SCL_CNT_SAMPLE] = counter(text, "sample=", 0);
    c[SCL_CNT_SLOT] = counter(text, "slot=", 0);
}

static void widen(t_run *r, t_tensor *t)
{
    t->wide = scl_arena_alloc(&r->arena, (t->count + 1) * sizeof(double));
    if (t->out)
        return;
    if (t->sig.dtype != SCL_F32) {
        memcpy(t->wide, t->data, t->bytes);
        return;
    }
    for (size_t i = 0; i < t->count; i++)
        ((double *)t->wide)[i] = (double)((const float *)t->data)[i];
}

scl_status t_run_make(t_run *r, const t_op *op, const t_case *c, scl_err *err)
{
    *r = (t_run){ .op = op, .c = c, .table = scl_op_find(op->name), .has_root = c->root != NULL };
    if (!r->table)
        return scl_fail(err, SCL_FAILED, "no operator is called '%s'", op->name);
    T_TRY(parse_dims(r, err));
    set_counters(r);
    T_TRY(declare_inputs(r, err));
    const t_build_options whole = { .samples = r->letter['N' - 'A'], .root = r->has_root };
    T_TRY(t_build(r, &r->built, &whole, err));
    declare_outputs(r);
    t_fill(r);
    for (int i = 0; i < r->n; i++)
        if (r->tensor[i].given)
            widen(r, &r->tensor[i]);
    return SCL_OK;
}

void t_run_free(t_run *r) { scl_arena_free(&r->arena); }

t_case t_case_of(t_run *r)
{
    t_case c = *r->c;
    c.run = r;
    return c;
}

void t_run_oracle(t_run *r)
{
    for (int i = r->n_in; i < r->n; i++) {
        t_tensor *t = &r->tensor[i];
        if (t->sig.dtype != SCL_F32)
            memset(t->wide, 0xff, t->bytes);
        for (size_t k = 0; k < t->count && t->sig.dtype == SCL_F32; k++)
            ((double *)t->wide)[k] = NAN;
    }
    const t_case c = t_case_of(r);
    r->op->oracle(&c);
}

int t_dim(const t_case *t, char letter)
{
    const int n = t->run->letter[letter - 'A'];
    return n > 0 ? n : scl_dim(t->run->built.node, letter);
}

static t_tensor *tensor(const t_case *t, const char *name, scl_dtype dtype)
{
    const int i = t_find(t->run, name);
    assert(i >= 0 && "an oracle names a tensor that is not in the signature");
    assert(t->run->tensor[i].sig.dtype == dtype);
    (void)dtype;
    return &t->run->tensor[i];
}

double *t_f64(const t_case *t, const char *name)
{
    return !strcmp(name, "root") && t_find(t->run, name) < 0 ? NULL : tensor(t, name, SCL_F32)->wide;
}

const int32_t *t_i32(const t_case *t, const char *name) { return tensor(t, name, SCL_I32)->wide; }
int32_t *t_i32_out(const t_case *t, const char *name) { return tensor(t, name, SCL_I32)->wide; }
const uint32_t *t_u32(const t_case *t, const char *name) { return tensor(t, name, SCL_U32)->wide; }
uint32_t *t_u32_out(const t_case *t, const char *name) { return tensor(t, name, SCL_U32)->wide; }
const uint8_t *t_u8(const t_case *t, const char *name) { return tensor(t, name, SCL_U8)->wide; }
float *t_f32_in(const t_case *t, const char *name) { return tensor(t, name, SCL_F32)->data; }
int32_t *t_i32_in(const t_case *t, const char *name) { return tensor(t, name, SCL_I32)->data; }
uint32_t *t_u32_in(const t_case *t, const char *name) { return tensor(t, name, SCL_U32)->data; }
uint8_t *t_u8_in(const t_case *t, const char *name) { return tensor(t, name, SCL_U8)->data; }

bool t_has(const t_case *t, const char *name)
{
    const int i = t_find(t->run, name);
    return i >= 0 && t->run->tensor[i].given;
}

size_t t_count(const t_case *t, const char *name)
{
    const int i = t_find(t->run, name);
    return i < 0 ? 0 : t->run->tensor[i].count;
}

long t_attr_int(const t_case *t, const char *name) { return scl_attr_int(t->run->built.node, name); }
double t_attr_real(const t_case *t, const char *name) { return scl_attr_real(t->run->built.node, name); }
const char *t_attr_text(const t_case *t, const char *name) { return scl_attr_text(t->run->built.node, name); }

const t_family *t_family_at(int i)
{
#define OP(family) extern const t_family t_family_##family;
#include "ops/ops.def"
#undef OP
    static const t_family *const families[] = {
#define OP(family) &t_family_##family,
#include "ops/ops.def"
#undef OP
    };
    return i < (int)(sizeof families / sizeof *families) ? families[i] : NULL;
}
