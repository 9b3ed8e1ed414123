# Everything from one Debian base: sid is the only suite with Asterisk 22, Kamailio 6.1 and MySQL 9.
# Each service begins as root, to take its files of the volume over, and goes on as an ordinary user.
FROM debian:sid-slim AS base
ENV DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
RUN printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d && chmod 755 /usr/sbin/policy-rc.d

FROM base AS mysql
RUN apt-get update \
 && apt-get install -y --no-install-recommends mysql-server-core mysql-client-core \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --no-create-home --shell /usr/sbin/nologin mysql \
 && mkdir -p /run/mysqld && chown mysql /run/mysqld
CMD ["sh", "-ec", "chown mysql /stack/mysql /stack/mysql/my.cnf /stack/mysql/accounts.sql; \
  test -e /stack/mysql/data || { rm -rf /stack/mysql/data.new; mysqld --defaults-file=/stack/mysql/my.cnf --user=mysql \
    --datadir=/stack/mysql/data.new --initialize-insecure; mv /stack/mysql/data.new /stack/mysql/data; }; \
  exec mysqld --defaults-file=/stack/mysql/my.cnf --user=mysql --init-file=/stack/mysql/accounts.sql"]

FROM base AS kamailio
RUN apt-get update \
 && apt-get install -y --no-install-recommends kamailio kamailio-mysql-modules kamailio-extra-modules \
      kamailio-json-modules kamailio-utils-modules kamailio-tls-modules \
 && rm -rf /var/lib/apt/lists/*
COPY kamailio /hashdial/kamailio
RUN chmod -R a+rX /hashdial
CMD ["sh", "-ec", "set -a; . /stack/kamailio.env; mkdir -p /run/kamailio; chown kamailio /run/kamailio; \
  exec setpriv --reuid=kamailio --regid=kamailio --clear-groups kamailio $(cat /stack/kamailio/arguments)"]

FROM base AS asterisk
RUN apt-get update \
 && apt-get install -y --no-install-recommends asterisk asterisk-modules asterisk-core-sounds-en-wav asterisk-moh-opsound-wav \
 && rm -rf /var/lib/apt/lists/*
COPY asterisk/*.conf asterisk/standalone/*.conf /etc/asterisk/
CMD ["sh", "-ec", "rm -rf /etc/asterisk/site; cp -r /stack/asterisk/site /etc/asterisk/; mkdir -p /run/asterisk; \
  chown -R asterisk:asterisk /etc/asterisk /run/asterisk; ulimit -n 65536 || true; \
  exec setpriv --reuid=asterisk --regid=asterisk --clear-groups asterisk -f -n"]

FROM base AS packages
RUN apt-get update && apt-get install -y --no-install-recommends nodejs npm && rm -rf /var/lib/apt/lists/*
WORKDIR /hashdial
COPY package.json package-lock.json .npmrc ./
COPY src/ari/request src/ari/request
RUN npm ci --omit=dev

FROM base AS hashdial
RUN apt-get update && apt-get install -y --no-install-recommends nodejs && rm -rf /var/lib/apt/lists/* \
 && useradd --system --no-create-home --shell /usr/sbin/nologin hashdial
WORKDIR /hashdial
COPY package.json tsconfig.json ./
COPY sql sql
COPY src src
COPY --from=packages /hashdial/node_modules node_modules
RUN chmod -R a+rX /hashdial
CMD ["sh", "-ec", "set -a; . /stack/hashdial.env; mkdir -p /stack/sounds; chown -R hashdial:hashdial /stack/sounds; \
  exec setpriv --reuid=hashdial --regid=hashdial --clear-groups node --max-semi-space-size=32 --import tsx src/main.ts"]
