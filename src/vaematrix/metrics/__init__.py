"""What judges a model: arrays in, numbers out.

:mod:`.reconstruction` has the metrics of pairs of images, one file a metric. A distance between sets of images takes
three steps: features (:mod:`.features`), their mean and covariance, and the distance of those (:mod:`.frechet`);
:mod:`.kernel_distance`, :mod:`.neighbours`, :mod:`.extrapolation` and :mod:`.feature_distance` take the features
themselves. :mod:`.latent` and :mod:`.probe` judge the codes, :mod:`.attribute_judge` what is seen in samples.
:mod:`.entries` writes all of these up, and :mod:`.definitions` holds SSIM and the Fréchet distance against the packages
that define them. :mod:`.floors` holds what any model has to beat.
"""
