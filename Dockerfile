# The loop as an image: docker run -v /var/run/docker.sock:/var/run/docker.sock -v /etc/reconciler:/etc/reconciler:ro
# or as a service that updates itself: examples/self
FROM docker:28-cli AS docker

FROM python:3.13-slim AS build
WORKDIR /source
COPY requirements.txt pyproject.toml README.md LICENSE ./
COPY specs specs
COPY reconciler reconciler
COPY providers providers
RUN python -m venv /opt/reconciler \
 && /opt/reconciler/bin/pip install --no-cache-dir --require-hashes -r requirements.txt \
 && /opt/reconciler/bin/pip install --no-cache-dir --no-deps .

FROM python:3.13-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends git openssh-client openssl ca-certificates tzdata \
 && rm -rf /var/lib/apt/lists/*
# builds are `docker buildx`; everything else speaks to the engine's socket
COPY --from=docker /usr/local/bin/docker /usr/local/bin/docker
COPY --from=docker /usr/local/libexec/docker/cli-plugins/docker-buildx /usr/local/libexec/docker/cli-plugins/docker-buildx
COPY --from=build /opt/reconciler /opt/reconciler
ENV PATH=/opt/reconciler/bin:$PATH PYTHONSAFEPATH=1 XDG_STATE_HOME=/var/lib XDG_CACHE_HOME=/var/cache
VOLUME ["/var/lib/reconciler", "/var/cache/reconciler"]
# with `listen: 127.0.0.1:8484` in the Run file; another address: a healthcheck of the service, or --no-healthcheck
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
  CMD ["/opt/reconciler/bin/python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8484/healthz', timeout=4)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["reconciler"]
CMD ["run", "--config", "/etc/reconciler/run.yaml"]
