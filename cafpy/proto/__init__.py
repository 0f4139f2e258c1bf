"""Messages and the files that hold them. ``from cafpy.proto import cafpy_pb2 as pb`` is the way to the messages.

text.py       prototxt to message: lexer → blocks → text_parser, with values, cursor and text_hints to help
writer.py     message to prototxt
binary.py     .caffemodel, .solverstate, mean files; arrays in and out of blobs
describe.py   how messages name a layer
cafpy_pb2.py  generated from protos/cafpy.proto by tools/generate_proto.py
"""
