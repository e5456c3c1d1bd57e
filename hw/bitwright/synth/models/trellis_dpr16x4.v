// Sixteen words of four bits in look-up tables: written at the edge, read without a clock.
module TRELLIS_DPR16X4(input [3:0] DI, WAD, RAD, input WRE, WCK, output [3:0] DO);
  parameter WCKMUX = "WCK";
  parameter WREMUX = "WRE";
  parameter [63:0] INITVAL = 0;
  if (WCKMUX != "WCK") TRELLIS_DPR16X4_has_no_model_of_this_WCKMUX refused();
  if (WREMUX != "WRE") TRELLIS_DPR16X4_has_no_model_of_this_WREMUX refused();

  reg [3:0] words[0:15];
  initial for (integer i = 0; i < 16; i++) words[i] = INITVAL[4 * i +: 4];
  always @(posedge WCK) if (WRE) words[WAD] <= DI;
  assign DO = words[RAD];
endmodule
