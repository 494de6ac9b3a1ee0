// Instead of glibc's, which stands for the processors that glibc itself was built for.
