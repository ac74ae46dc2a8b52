# The application of the tests: answers with what it got, and writes it down where SEEN says.
# Loaded as a whole: what digest loads on first use is not safe among threads.
require 'digest/sha2'
require 'json'

LOCK = Mutex.new

seen = lambda do |env, body|
  headers = env.select { |name, _| name.start_with?('HTTP_') || name == 'CONTENT_LENGTH' || name == 'CONTENT_TYPE' }
  {
    method: env['REQUEST_METHOD'],
    target: env['REQUEST_URI'],
    headers: headers.transform_keys { |name| name.delete_prefix('HTTP_').tr('_', '-').downcase }
                    .transform_values { |value| value.dup.force_encoding('ISO-8859-1').encode('UTF-8') },
    length: body.bytesize,
    sum: Digest::SHA256.hexdigest(body)
  }
end

pieces = Enumerator.new do |out|
  5.times { |n| out << "piece #{n}\n" }
end

run(lambda do |env|
  body = env['rack.input'].read
  request = seen.call(env, body)
  LOCK.synchronize { File.write(ENV.fetch('SEEN'), "#{JSON.generate(request)}\n", mode: 'a') }
  case env['PATH_INFO']
  when '/stream' then [200, { 'Content-Type' => 'text/plain' }, pieces]
  when '/cookies' then [200, { 'Set-Cookie' => "a=1\nb=2" }, ['two cookies']]
  when '/error' then [500, { 'Content-Type' => 'text/plain' }, ['broken']]
  when '/none' then [204, {}, []]
  when '/unchanged' then [304, { 'ETag' => '"1"' }, []]
  else
    text = "#{request[:method]} #{request[:target]} #{request[:length]} #{request[:sum]}\n"
    [200, { 'Content-Type' => 'text/plain', 'X-Application' => 'here' }, [text]]
  end
end)
