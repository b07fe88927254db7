%% Run in a test node by file:eval: answers Erlang expressions on a local socket,
%% because rabbitmqctl takes seconds for what the node knows in a millisecond.
Serve = fun(Serve, Listener) ->
  {ok, Socket} = gen_tcp:accept(Listener),
  spawn(fun() ->
    Answer = try
      {ok, Text} = gen_tcp:recv(Socket, 0),
      {ok, Tokens, _} = erl_scan:string(unicode:characters_to_list(Text)),
      {ok, Expressions} = erl_parse:parse_exprs(Tokens),
      {value, Value, _} = erl_eval:exprs(Expressions, []),
      case is_binary(Value) of
        true -> [<<"+">>, Value];
        false -> [<<"+">>, io_lib:format("~0tp", [Value])]
      end
    catch Class:Reason -> [<<"-">>, io_lib:format("~0tp", [{Class, Reason}])]
    end,
    gen_tcp:send(Socket, unicode:characters_to_binary(Answer)),
    gen_tcp:close(Socket)
  end),
  Serve(Serve, Listener)
end,
spawn(fun() ->
  file:delete("CONTROL_SOCKET"),
  {ok, Listener} = gen_tcp:listen(0, [binary, {ifaddr, {local, "CONTROL_SOCKET"}}, {packet, 4}, {active, false}]),
  Serve(Serve, Listener)
end).
