/* The most of things whose number a config gives and a room above this one lays out. */
#ifndef SCL_CONFIG_LIMITS_H
#define SCL_CONFIG_LIMITS_H

enum {
    SCL_MOST_COMPONENTS = 64,    /* of a mixture of Gaussians */
    SCL_MAX_WIDTHS = 16,         /* hidden layers of an mlp */
    SCL_ISM_MOST = 64,           /* dimensions of an exact trace */
};

#endif
