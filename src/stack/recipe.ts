/** A small Debian: its suite, and the steps of its build in their order, with what the operator reads meanwhile. */
export interface Recipe {
  suite: string
  steps: readonly { title: string; script: string }[]
}

const packages = [
  'asterisk',
  'asterisk-modules',
  'asterisk-core-sounds-en-wav',
  'asterisk-moh-opsound-wav',
  'kamailio',
  'kamailio-mysql-modules',
  'kamailio-extra-modules',
  'kamailio-json-modules',
  'kamailio-utils-modules',
  'kamailio-tls-modules',
  'mysql-server-core',
  'sip-tester',
  'baresip-core',
]

/** Run in the new rootfs before anything is installed: no service starts there, and no manual pages fill the disk. */
const prepare = `
printf '#!/bin/sh\\nexit 101\\n' > /usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d
printf 'path-exclude=/usr/share/%s/*\\n' doc man info locale > /etc/dpkg/dpkg.cfg.d/small
mkdir -p /stack /hashdial/asterisk /hashdial/kamailio /hashdial/test
`

/**
 * Installs from the package lists that debootstrap has just left: a mirror that lags cannot fail us.
 * MariaDB conflicts with MySQL as a package, so its server is unpacked beside it (the schema is tested on both),
 * and the libraries that it depends on are installed.
 */
const install = `
export DEBIAN_FRONTEND=noninteractive LC_ALL=C
cd /tmp
libraries=$(apt-cache depends mariadb-server-core | sed -n 's/.*Depends: \\(lib.*\\)/\\1/p')
apt-get install -y --no-install-recommends -o Dpkg::Options::=--force-unsafe-io ${packages.join(' ')} $libraries
useradd --system --no-create-home --shell /usr/sbin/nologin mysql
apt-get download mariadb-server-core
dpkg -x mariadb-server-core_*.deb /opt/mariadb
rm -f mariadb-server-core_*.deb
`

const clean = `
apt-get clean
rm -rf /var/lib/apt/lists/*
`

/** What our own rootfs is made of. Debian sid is the only suite with all of Asterisk 22, Kamailio 6.1 and MySQL 9. */
export const ownRecipe: Recipe = {
  suite: 'sid',
  steps: [
    { title: 'preparing it', script: prepare },
    { title: 'installing Asterisk, Kamailio and MySQL', script: install },
    { title: 'cleaning up', script: clean },
  ],
}

/** Debian 13's Kamailio and MariaDB, as an operator has them: the plug-in is tested in these too. It has no Asterisk. */
export const debian13Recipe: Recipe = {
  suite: 'trixie',
  steps: [
    {
      title: 'preparing it',
      script: `${prepare}mkdir -p /etc/asterisk /var/lib/asterisk /var/log/asterisk /var/spool/asterisk\n`,
    },
    {
      title: 'installing Kamailio and MariaDB',
      script: `
export DEBIAN_FRONTEND=noninteractive LC_ALL=C
apt-get install -y --no-install-recommends -o Dpkg::Options::=--force-unsafe-io \
  kamailio kamailio-mysql-modules kamailio-extra-modules mariadb-server-core
useradd --system --no-create-home --shell /usr/sbin/nologin mysql
`,
    },
    { title: 'cleaning up', script: clean },
  ],
}
