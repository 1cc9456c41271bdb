FROM python:3.13-slim AS build
RUN python -m venv /opt/venv
COPY requirements.lock .
# Wheels alone: a source package would run its own build code, and there is no compiler here.
RUN /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check \
    --require-hashes --only-binary :all: -r requirements.lock

FROM python:3.13-slim
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
# A fixed number, so that rules outside the container can name this user; a new volume that is
# mounted over its folder is its own too.
RUN groupadd --gid 10001 mednum \
    && useradd --uid 10001 --gid mednum --no-create-home --shell /usr/sbin/nologin mednum \
    && install -d -o mednum -g mednum /var/lib/mednum/dumps /var/lib/mednum/search
WORKDIR /app
COPY --from=build /opt/venv /opt/venv
# Left to root, so that a service cannot change its own code.
COPY shared/ shared/
COPY services/ services/
USER 10001:10001
EXPOSE 8000
# One image for all services: the command names the one to run.
CMD ["python", "-m", "services.directory"]
