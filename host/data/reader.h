/* Between dataset.c and the readers of single formats. */
#ifndef SCL_DATA_READER_H
#define SCL_DATA_READER_H

#include "data/dataset.h"
#include "data/image.h"

/* Each fills d (count, shape, elements, labels) and leaves the hash to dataset.c; what it allocated stays in d on failure. */
scl_status scl_read_idx(scl_dataset *d, const scl_data_config *spec, scl_split split, scl_err *err);
scl_status scl_read_cifar10(scl_dataset *d, const scl_data_config *spec, scl_split split, scl_err *err);
scl_status scl_read_images(scl_dataset *d, const scl_data_config *spec, scl_split split, scl_err *err);
scl_status scl_read_array(scl_dataset *d, const scl_data_config *spec, scl_split split, scl_err *err);

/* SCL_FAILED with a hint where to get what the path should hold: a known Debian package, or the data set of the spec's format. */
scl_status scl_path_missing(const scl_data_config *spec, const char *path, scl_err *err);
bool scl_is_folder(const char *path);
bool scl_is_file(const char *path);

/* Does picture i of a list belong to the split? */
bool scl_in_split(const scl_data_config *spec, scl_split split, size_t i);
/* The path of a split, for formats whose list has no split of its own. */
const char *scl_split_path(const scl_data_config *spec, scl_split split);
/* Drops the pictures of the other split from d. */
void scl_keep_split(scl_dataset *d, const scl_data_config *spec, scl_split split);

/* Shape of the pictures that the spec makes of pictures of this shape. */
scl_status scl_fitted_shape(scl_image *shape, const scl_data_config *spec, const scl_image *from,
                            const char *path, scl_err *err);
/* Crop, resize and channels of one picture; to has scl_fitted_shape's size. */
scl_status scl_fit_image(unsigned char *to, const scl_data_config *spec, const scl_image *from, scl_err *err);

#endif
