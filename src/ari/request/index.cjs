'use strict'
// ari-client 2.2.0 asks for its api-docs once through `request` (unmaintained since 2020, with open advisories), only to
// see whether anything listens there.
const http = require('node:http')

module.exports = function request(url, callback) {
  http
    .get(url, { timeout: 5000 }, (response) => {
      response.resume()
      response.on('end', () => callback(null, response))
    })
    .on('timeout', function () {
      this.destroy(Object.assign(new Error(`no answer from ${new URL(url).host}`), { code: 'ETIMEDOUT' }))
    })
    .on('error', callback)
}
