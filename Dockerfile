# The loop as an image: docker run -v /var/run/docker.sock:/var/run/docker.sock -v /etc/reconciler:/etc/reconciler:ro
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
 && apt-get install -y --no-install-recommends git openssh-client openssl ca-certificates \
 && rm -rf /var/lib/apt/lists/*
COPY --from=build /opt/reconciler /opt/reconciler
ENV PATH=/opt/reconciler/bin:$PATH PYTHONSAFEPATH=1 XDG_STATE_HOME=/var/lib XDG_CACHE_HOME=/var/cache
VOLUME ["/var/lib/reconciler", "/var/cache/reconciler"]
ENTRYPOINT ["reconciler"]
CMD ["run", "--config", "/etc/reconciler/run.yaml"]
