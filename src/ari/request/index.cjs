'use strict'
// ari-client 2.2.0 asks for its api-docs once through `request` (unmaintained since 2020, with open advisories), only to
// see whether anything listens there. connection.ts knows that already when it gets here.
module.exports = function request(_url, callback) {
  setImmediate(callback, null)
}
