"""The network of HDMatt (Yu et al., AAAI 2021, arXiv 2009.06613): tensors in, tensors out."""
