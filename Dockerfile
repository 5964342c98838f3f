# The first stage builds the wheel, so that the image contains neither sources nor build tools.
FROM docker.io/library/python:3.13-slim AS build
COPY . /source
# The sources are copied without git, so the version comes from the build: docker build --build-arg VERSION=1.2.3
ARG VERSION
RUN python -m venv /opt/alimock \
 && SETUPTOOLS_SCM_PRETEND_VERSION_FOR_ALIMOCK=$VERSION /opt/alimock/bin/pip install --no-cache-dir --no-compile "/source[tls,valkey]" \
 && /opt/alimock/bin/pip uninstall --yes --quiet pip \
 && /opt/alimock/bin/python -m compileall -q -j 0 /opt/alimock/lib

FROM docker.io/library/python:3.13-slim
# A release adds the version, the revision and the source.
LABEL org.opencontainers.image.title="alimock" \
      org.opencontainers.image.description="An offline emulator of Alibaba Cloud's email verification API (product Domain)." \
      org.opencontainers.image.licenses="MIT AND Apache-2.0"
COPY --from=build /opt/alimock /opt/alimock
# glibc keeps freed memory in an arena per thread; two arenas keep the memory low after large requests.
ENV PATH=/opt/alimock/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MALLOC_ARENA_MAX=2 \
    ALIMOCK_HOST=0.0.0.0 \
    ALIMOCK_PORT=2546
# A new volume that is mounted here is writable: Docker gives it the owner of this directory. Without a volume it is not used.
RUN install --directory --owner=65532 --group=65532 --mode=700 /data
WORKDIR /scenarios
USER 65532:65532
EXPOSE 2546
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=5s --start-period=10s CMD ["alimock", "ready"]
ENTRYPOINT ["alimock"]
CMD ["serve"]
