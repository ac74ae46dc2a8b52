// As users of goreplay_middleware write it.
const gor = require('goreplay_middleware');

gor.init();

gor.on('request', function (req) {
  const path = gor.httpPath(req.http);
  if (path.startsWith('/drop')) return;
  if (gor.httpHeader(req.http, 'X-Old')) req.http = gor.deleteHttpHeader(req.http, 'X-Old');
  req.http = gor.setHttpHeader(req.http, 'X-Script', 'node');
  req.http = gor.setHttpCookie(req.http, 'session', 'shadow');
  req.http = gor.setHttpPathParam(req.http, 'page', '2');
  if (gor.httpMethod(req.http) === 'POST') req.http = gor.setHttpBodyParam(req.http, 'password', 'm%C3%A4sked-and-longer');
  if (gor.httpMethod(req.http) === 'PUT') req.http = gor.setHttpBody(req.http, Buffer.from('n\u00e4w'));
  gor.on('response', req.ID, function (resp) {
    gor.on('replay', req.ID, function (repl) {
      console.error(`${path} ${gor.httpStatus(resp.http)} ${gor.httpStatus(repl.http)}`);
      return repl;
    });
    return resp;
  });
  gor.searchResponses(req.ID, 'X-Token: (\\w+)', function (mine, theirs) {
    if (mine && theirs) console.error(`token ${mine} is ${theirs}`);
  });
  return req;
});
