#!/usr/bin/env node
// Gives copies the tokens that the shadow itself issued: whoever logs in gets one token from the primary and another
// from the shadow, and what the primary's says is nothing to the shadow.
//
//     [script]
//     command = ["node", "scripts/token.js"]
//     answers = true
//     by = "header:Authorization"
//
// A login's answer is JSON with a field "token"; later requests bear it in Authorization. With more than one process,
// `by` has to be something that a login has as well, such as a cookie.
'use strict';

const MOST = 100000;
const ofPrimary = new Map(); // id of a request -> the token in the primary's answer
const ofShadow = new Map(); // the primary's token -> the shadow's

function remember(map, key, value) {
  map.set(key, value);
  if (map.size > MOST) map.delete(map.keys().next().value);
}

function tokenIn(http) {
  const found = /"token"\s*:\s*"([^"\\]+)"/.exec(http.subarray(http.indexOf('\r\n\r\n')).toString('latin1'));
  return found && found[1];
}

function rewrite(http) {
  const text = http.toString('latin1');
  const end = text.indexOf('\r\n\r\n');
  const head = text.slice(0, end).replace(/^(authorization:\s*bearer\s+)(\S+)/im, (line, start, token) =>
    start + (ofShadow.get(token) || token));
  return Buffer.from(head + text.slice(end), 'latin1');
}

require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const message = Buffer.from(line, 'hex');
  const end = message.indexOf(10);
  const [type, id] = message.toString('latin1', 0, end).split(' ');
  const http = message.subarray(end + 1);
  if (type === '1') {
    const written = Buffer.concat([message.subarray(0, end + 1), rewrite(http)]);
    process.stdout.write(written.toString('hex') + '\n');
  } else if (type === '2') {
    const token = tokenIn(http);
    if (token) remember(ofPrimary, id, token);
  } else if (type === '3') {
    const [mine, theirs] = [tokenIn(http), ofPrimary.get(id)];
    ofPrimary.delete(id);
    if (mine && theirs) remember(ofShadow, theirs, mine);
  }
});
