// A flip-flop on the rising edge; the local set/reset is synchronous and precedes the enable.
module TRELLIS_FF(input CLK, LSR, CE, DI, output reg Q);
  parameter GSR = "ENABLED";  // the global reset acts at configuration only, as `initial` does
  parameter CEMUX = "1";
  parameter CLKMUX = "CLK";
  parameter LSRMUX = "LSR";
  parameter SRMODE = "LSR_OVER_CE";
  parameter REGSET = "RESET";
  parameter LSRMODE = "LSR";
  if (CEMUX != "1" && CEMUX != "CE" && CEMUX != "INV")
    TRELLIS_FF_has_no_model_of_this_CEMUX refused();
  if (CLKMUX != "CLK") TRELLIS_FF_has_no_model_of_this_CLKMUX refused();
  if (LSRMUX != "LSR" && LSRMUX != "INV") TRELLIS_FF_has_no_model_of_this_LSRMUX refused();
  if (SRMODE != "LSR_OVER_CE") TRELLIS_FF_has_no_model_of_this_SRMODE refused();
  if (REGSET != "SET" && REGSET != "RESET") TRELLIS_FF_has_no_model_of_this_REGSET refused();
  if (LSRMODE != "LSR") TRELLIS_FF_has_no_model_of_this_LSRMODE refused();

  localparam value = REGSET == "SET";
  wire enable = CEMUX == "1" ? 1'b1 : CEMUX == "INV" ? !CE : CE;
  wire set = LSRMUX == "INV" ? !LSR : LSR;
  initial Q = value;
  always @(posedge CLK)
    if (set) Q <= value;
    else if (enable) Q <= DI;
endmodule
