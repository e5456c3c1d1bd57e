// An 18x18 multiplier with its registers: two inputs, a pipeline register (inside the multiplier;
// here it holds the whole product) and one at the output, each on one of four clocks with one of
// four enables and one of four resets, or left out. A synchronous reset precedes the enable. A pin
// left open is 0, an enable too. A sign is registered with its operand. The third operand C, the
// bypass, the cascade to the ALU (ROA, ROB, ROC) and clocks of double speed have no model; what
// needs them stops elaboration.
module MULT18X18D(
  input
    A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1, A0, B17, B16,
    B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1, B0, C17, C16, C15, C14,
    C13, C12, C11, C10, C9, C8, C7, C6, C5, C4, C3, C2, C1, C0, SRIA17, SRIA16, SRIA15, SRIA14,
    SRIA13, SRIA12, SRIA11, SRIA10, SRIA9, SRIA8, SRIA7, SRIA6, SRIA5, SRIA4, SRIA3, SRIA2,
    SRIA1, SRIA0, SRIB17, SRIB16, SRIB15, SRIB14, SRIB13, SRIB12, SRIB11, SRIB10, SRIB9, SRIB8,
    SRIB7, SRIB6, SRIB5, SRIB4, SRIB3, SRIB2, SRIB1, SRIB0,
  input SIGNEDA, SIGNEDB, SOURCEA, SOURCEB,
  input CLK3, CLK2, CLK1, CLK0, CE3, CE2, CE1, CE0, RST3, RST2, RST1, RST0,
  output
    P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18,
    P17, P16, P15, P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0, SROA17,
    SROA16, SROA15, SROA14, SROA13, SROA12, SROA11, SROA10, SROA9, SROA8, SROA7, SROA6, SROA5,
    SROA4, SROA3, SROA2, SROA1, SROA0, SROB17, SROB16, SROB15, SROB14, SROB13, SROB12, SROB11,
    SROB10, SROB9, SROB8, SROB7, SROB6, SROB5, SROB4, SROB3, SROB2, SROB1, SROB0,
  output SIGNEDP
);
  parameter REG_INPUTA_CLK = "NONE";
  parameter REG_INPUTA_CE = "CE0";
  parameter REG_INPUTA_RST = "RST0";
  parameter REG_INPUTB_CLK = "NONE";
  parameter REG_INPUTB_CE = "CE0";
  parameter REG_INPUTB_RST = "RST0";
  parameter REG_INPUTC_CLK = "NONE";
  parameter REG_INPUTC_CE = "CE0";
  parameter REG_INPUTC_RST = "RST0";
  parameter REG_PIPELINE_CLK = "NONE";
  parameter REG_PIPELINE_CE = "CE0";
  parameter REG_PIPELINE_RST = "RST0";
  parameter REG_OUTPUT_CLK = "NONE";
  parameter REG_OUTPUT_CE = "CE0";
  parameter REG_OUTPUT_RST = "RST0";
  parameter CLK0_DIV = "ENABLED";
  parameter CLK1_DIV = "ENABLED";
  parameter CLK2_DIV = "ENABLED";
  parameter CLK3_DIV = "ENABLED";
  parameter HIGHSPEED_CLK = "NONE";
  parameter GSR = "ENABLED";
  parameter CAS_MATCH_REG = "FALSE";
  parameter SOURCEB_MODE = "B_SHIFT";
  parameter MULT_BYPASS = "DISABLED";
  parameter RESETMODE = "SYNC";
  if (REG_INPUTC_CLK != "NONE") MULT18X18D_has_no_model_of_a_register_for_C refused();
  if (CLK0_DIV != "ENABLED" || CLK1_DIV != "ENABLED" || CLK2_DIV != "ENABLED"
      || CLK3_DIV != "ENABLED") MULT18X18D_has_no_model_of_this_CLK_DIV refused();
  if (HIGHSPEED_CLK != "NONE") MULT18X18D_has_no_model_of_HIGHSPEED_CLK refused();
  if (CAS_MATCH_REG != "FALSE") MULT18X18D_has_no_model_of_CAS_MATCH_REG refused();
  if (SOURCEB_MODE != "B_SHIFT") MULT18X18D_has_no_model_of_this_SOURCEB_MODE refused();
  if (MULT_BYPASS != "DISABLED") MULT18X18D_has_no_model_of_MULT_BYPASS refused();
  if (RESETMODE != "SYNC") MULT18X18D_has_no_model_of_this_RESETMODE refused();

  wire [3:0] clocks = {CLK3, CLK2, CLK1, CLK0};
  wire [3:0] enables = {CE3, CE2, CE1, CE0};
  wire [3:0] resets = {RST3, RST2, RST1, RST0};
  wire [17:0] a = SOURCEA ? {
    SRIA17, SRIA16, SRIA15, SRIA14, SRIA13, SRIA12, SRIA11, SRIA10, SRIA9, SRIA8, SRIA7, SRIA6,
    SRIA5, SRIA4, SRIA3, SRIA2, SRIA1, SRIA0
  }
    : {
    A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1, A0
  };
  wire [17:0] b = SOURCEB ? {
    SRIB17, SRIB16, SRIB15, SRIB14, SRIB13, SRIB12, SRIB11, SRIB10, SRIB9, SRIB8, SRIB7, SRIB6,
    SRIB5, SRIB4, SRIB3, SRIB2, SRIB1, SRIB0
  }
    : {
    B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1, B0
  };
  wire [18:0] a_in, b_in;
  mult18x18d_register #(19, REG_INPUTA_CLK, REG_INPUTA_CE, REG_INPUTA_RST) input_a(
    clocks, enables, resets, {SIGNEDA & a[17], a}, a_in);
  mult18x18d_register #(19, REG_INPUTB_CLK, REG_INPUTB_CE, REG_INPUTB_RST) input_b(
    clocks, enables, resets, {SIGNEDB & b[17], b}, b_in);
  wire signed [37:0] product = $signed(a_in) * $signed(b_in);
  wire [35:0] held, p;
  mult18x18d_register #(36, REG_PIPELINE_CLK, REG_PIPELINE_CE, REG_PIPELINE_RST) pipeline(
    clocks, enables, resets, product[35:0], held);
  mult18x18d_register #(36, REG_OUTPUT_CLK, REG_OUTPUT_CE, REG_OUTPUT_RST) result(
    clocks, enables, resets, held, p);
  assign {
    P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18,
    P17, P16, P15, P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0
  } = p;
  assign {
    SROA17, SROA16, SROA15, SROA14, SROA13, SROA12, SROA11, SROA10, SROA9, SROA8, SROA7, SROA6,
    SROA5, SROA4, SROA3, SROA2, SROA1, SROA0
  } = a_in[17:0];
  assign {
    SROB17, SROB16, SROB15, SROB14, SROB13, SROB12, SROB11, SROB10, SROB9, SROB8, SROB7, SROB6,
    SROB5, SROB4, SROB3, SROB2, SROB1, SROB0
  } = b_in[17:0];
  assign SIGNEDP = SIGNEDA | SIGNEDB;
endmodule

// One of the multiplier's registers, or a wire where the clock is "NONE".
module mult18x18d_register #(
  parameter WIDTH = 1, CLOCK = "NONE", ENABLE = "CE0", RESET = "RST0"
)(input [3:0] clocks, enables, resets, input [WIDTH-1:0] d, output [WIDTH-1:0] q);
  localparam clock = CLOCK == "CLK3" ? 3 : CLOCK == "CLK2" ? 2 : CLOCK == "CLK1" ? 1 : 0;
  localparam enable = ENABLE == "CE3" ? 3 : ENABLE == "CE2" ? 2 : ENABLE == "CE1" ? 1 : 0;
  localparam reset = RESET == "RST3" ? 3 : RESET == "RST2" ? 2 : RESET == "RST1" ? 1 : 0;
  if (clock == 0 && CLOCK != "CLK0" && CLOCK != "NONE")
    MULT18X18D_has_no_model_of_this_clock refused();
  if (enable == 0 && ENABLE != "CE0") MULT18X18D_has_no_model_of_this_clock_enable refused();
  if (reset == 0 && RESET != "RST0") MULT18X18D_has_no_model_of_this_reset refused();
  if (CLOCK == "NONE") assign q = d;
  else begin
    reg [WIDTH-1:0] state = 0;
    assign q = state;
    wire rising = clocks[clock];
    always @(posedge rising)
      if (resets[reset]) state <= 0;
      else if (enables[enable]) state <= d;
  end
endmodule
