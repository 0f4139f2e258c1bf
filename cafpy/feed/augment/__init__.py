"""What transform_param's messages do to images of bytes, H×W×C, before the mean is subtracted; OpenCV does the work."""
